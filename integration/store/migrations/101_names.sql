-- Who a line is about, as a biller must see it: taken over from the chart with each look at it.
alter table patients add column name text;
alter table patients add column birth_date text;

-- What a CDS card said, and what became of it.
create table cds_cards (
    id          uuid primary key,
    site        text not null,
    hook        text not null,
    patient     text not null,
    requirement text not null,
    summary     text not null,
    shown_at    timestamptz not null default now(),
    outcome     text,                            -- accepted, overridden
    reason      text,
    comment     text,
    answered_at timestamptz
);
create index cds_cards_patient on cds_cards (site, patient);
