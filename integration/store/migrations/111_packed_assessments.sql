-- An assessment is kept whole in `packed`: JSON, as zstd packs it. `document` has what queries ask for; of an assessment of before, it is all of it.
alter table assessments add column packed bytea;
alter table assessments alter column packed set storage external;  -- packing it again would be for nothing
