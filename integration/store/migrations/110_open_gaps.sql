-- Open gaps are looked up by patient. By requirement all of them were read for each, as long as nothing was counted yet.
drop index gaps_open;
create index gaps_open on gaps (patient_id) where closed_at is null;
