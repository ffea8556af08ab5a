-- Numbers of interchanges, groups and sets: never the same twice, whatever becomes of what they were drawn for.
create sequence claim_numbers as bigint minvalue 1 maxvalue 999999999 no cycle;

-- Every claim file that was written, whole; who wrote it stands in the audit table as well.
create table claim_files (
    id bigint generated always as identity primary key,
    site text not null,
    name text not null,
    format text not null check (format in ('x12', 'fhir', 'csv', 'xlsx')),
    kind text not null,                          -- 837P, 837I, claims
    receiver text,                               -- the id it is addressed to
    control bigint not null,                     -- ISA13
    production boolean not null,                 -- ISA15 is P
    trial boolean not null,                      -- written with --test: nothing counts as sent
    written_by text not null,
    written_at timestamptz not null default now(),
    sha256 text not null,
    content bytea not null,
    placed_at timestamptz,                       -- when it stood in its folder; null: to be put there again
    unique (site, name)
);

-- The claims in them. `number` is CLM01, by which answers come back.
create table claims (
    id bigint generated always as identity primary key,
    file_id bigint not null references claim_files on delete cascade,
    number text not null,
    draft_id text not null,
    patient_id bigint not null references patients on delete cascade,
    frequency text not null,
    original text,                               -- the payer's own number of the claim that this one is about
    about bigint references claims on delete set null,
    total numeric(12, 2) not null,
    lines text[] not null,
    state text not null default 'sent'
        check (state in ('sent', 'accepted', 'rejected', 'paid', 'denied', 'replaced', 'void')),
    state_at timestamptz not null default now()
);
create index claims_number on claims (number);
create index claims_patient on claims (patient_id);
create index claims_file on claims (file_id);

-- What left: a release leaves once in files that count, and once in tests before.
create table claim_lines (
    claim_id bigint not null references claims on delete cascade,
    patient_id bigint not null references patients on delete cascade,
    line_id text not null,
    release_id bigint not null references releases on delete cascade,
    production boolean not null,
    primary key (claim_id, line_id)
);
create unique index claim_lines_once on claim_lines (release_id, production);
create index claim_lines_line on claim_lines (patient_id, line_id);

-- What a claim carries now has the pointers of its line.
alter table lines drop column claim;
alter table releases drop column claim;
create or replace function claim_of(document jsonb) returns text immutable language sql as $$
    select md5(jsonb_build_array(
        document -> 'serviceDate', document -> 'code', document -> 'modifiers', document -> 'units', document -> 'diagnoses',
        document -> 'pointers', document -> 'ndc', document -> 'ndcs', document -> 'placeOfService', document -> 'billType',
        document -> 'revenueCode', document -> 'coverage', document -> 'secondaryCoverages', document -> 'priorAuthorization',
        document -> 'value')::text)
$$;
alter table lines add column claim text not null generated always as (claim_of(document)) stored;
alter table releases add column claim text not null generated always as (claim_of(document)) stored;
