-- What people decided (form: mappings.decisions): of a patient, or of the whole site. A newer one of the same matter replaces it.
create table decisions (
    id bigint generated always as identity primary key,
    site text not null,
    patient_id bigint references patients on delete cascade,  -- null: of the whole site
    kind text not null check (kind in ('pays_first', 'payer_answer', 'authorization', 'site_row')),
    about text not null,                         -- what it settles; the same for a newer one of the same
    document jsonb not null,
    recorded_by text not null,
    recorded_at timestamptz not null default now(),
    ended_by text,
    ended_at timestamptz                         -- replaced, or taken back
);
create unique index decisions_in_force on decisions (site, about) where ended_at is null;
create index decisions_of_patient on decisions (patient_id) where ended_at is null;
