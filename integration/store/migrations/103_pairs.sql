-- A dose and what was discarded of it are one decision: the same `pair`, the id of the dose's line.
alter table lines add column pair text not null generated always as (coalesce(document ->> 'discardOf', id)) stored;
create index lines_pair on lines (patient_id, pair);

-- Of a line what a claim carries: where this differs from what was released, somebody must look.
create function claim_of(document jsonb) returns text immutable language sql as $$
    select md5(jsonb_build_array(
        document -> 'serviceDate', document -> 'code', document -> 'modifiers', document -> 'units', document -> 'diagnoses',
        document -> 'ndc', document -> 'ndcs', document -> 'placeOfService', document -> 'billType', document -> 'revenueCode',
        document -> 'coverage', document -> 'secondaryCoverages', document -> 'priorAuthorization', document -> 'value')::text)
$$;
alter table lines add column claim text not null generated always as (claim_of(document)) stored;
alter table releases add column status text generated always as (document ->> 'status') stored;
alter table releases add column claim text not null generated always as (claim_of(document)) stored;
