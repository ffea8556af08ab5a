-- What the service keeps. All times are instants; documents are of schema ferroclaim/assessment/1.

create table patients (
    id bigint generated always as identity primary key,
    site text not null,
    fhir_id text not null,                       -- without `Patient/`
    concerns_us boolean not null default false,  -- was given an IV iron: then their labs and the like wake an assessment, too
    resources text[] not null default '{}',      -- `Type/id` of all that the current assessment rests on
    seen_at timestamptz not null default now(),
    assessed_at timestamptz,                     -- when their record was last read and assessed
    unique (site, fhir_id)
);
create index patients_resources on patients using gin (resources);
create index patients_assessed on patients (site, assessed_at) where concerns_us;

-- One row per change: what was found, from `as_of` on, and found again until `confirmed_at`.
create table assessments (
    id bigint generated always as identity primary key,
    patient_id bigint not null references patients on delete cascade,
    as_of timestamptz not null,
    confirmed_at timestamptz not null,
    cause text not null,                         -- what woke it: notification, sweep, person, refresh, retry
    digest text not null,
    document jsonb not null,                     -- one of `patients` of the assessment document
    current boolean not null
);
create unique index assessments_current on assessments (patient_id) where current;
create index assessments_history on assessments (patient_id, id);

create table releases (
    id bigint generated always as identity primary key,
    patient_id bigint not null references patients on delete cascade,
    line_id text not null,
    document jsonb not null,                     -- the line as it was released
    released_by text not null,
    released_at timestamptz not null default now(),
    reason text,                                 -- always there where a gap was waived
    withdrawn_by text,
    withdrawn_at timestamptz
);
create unique index releases_in_force on releases (patient_id, line_id) where withdrawn_at is null;

create table lines (
    patient_id bigint not null references patients on delete cascade,
    id text not null,                            -- of the assessment document; the same from run to run
    service_date date,
    code text not null,
    modifiers text[] not null,
    units integer not null,
    status text not null check (status in ('ready', 'held', 'not-billable')),
    payment text,
    reasons text[] not null,
    policy text,
    coverage text,
    value numeric(12, 2),
    document jsonb not null,
    owner text,                                  -- who of the billers sees to it
    first_seen_at timestamptz not null,
    changed_at timestamptz not null,             -- of the document
    status_since timestamptz not null,
    gone_at timestamptz,                         -- no longer in the assessment; kept because it was released
    primary key (patient_id, id)
);
create index lines_worklist on lines (status, service_date);

create table gaps (
    patient_id bigint not null references patients on delete cascade,
    id text not null,
    requirement text not null,
    state text not null,
    blocking boolean not null,
    waivable boolean not null,
    severity text not null,
    policy text,
    administrations text[] not null,
    lines text[] not null,
    document jsonb not null,
    opened_at timestamptz not null,
    changed_at timestamptz not null,
    closed_at timestamptz,                       -- null: open
    primary key (patient_id, id)
);
create index gaps_open on gaps (requirement) where closed_at is null;

create table waivers (
    id bigint generated always as identity primary key,
    patient_id bigint not null references patients on delete cascade,
    gap_id text not null,
    administrations text[] not null,             -- the doses that it is for
    reason text not null,
    waived_by text not null,                     -- `Practitioner/7`, or a user's name
    waived_by_name text,
    waived_at timestamptz not null default now(),
    withdrawn_by text,
    withdrawn_at timestamptz
);
create unique index waivers_in_force on waivers (patient_id, gap_id) where withdrawn_at is null;

create table notes (
    id bigint generated always as identity primary key,
    patient_id bigint not null references patients on delete cascade,
    line_id text,
    written_by text not null,
    written_at timestamptz not null default now(),
    text text not null
);
create index notes_patient on notes (patient_id, id);

-- The ledger: owed (pending), on its way or unanswered (sent), on the server (confirmed), not taken (refused).
create table write_backs (
    site text not null,
    gap_id text not null,
    patient_id bigint references patients on delete cascade,
    state text not null check (state in ('pending', 'sent', 'confirmed', 'refused')),
    digest text not null,
    location text,                               -- `DetectedIssue/12`
    version text,
    message text,                                -- why it was refused
    owed_since timestamptz not null default now(),
    changed_at timestamptz not null default now(),
    primary key (site, gap_id)
);
create index write_backs_open on write_backs (site, state) where state <> 'confirmed';
create index write_backs_patient on write_backs (patient_id);

-- The inbox. Which job sees to it, the queue knows; `outcome` says what became of it on arrival.
create table notifications (
    id bigint generated always as identity primary key,
    site text not null,
    hook text not null,
    received_at timestamptz not null default now(),
    shape text not null,                         -- resource, empty, delete, topic-r4, topic-r5
    kind text not null,                          -- event, handshake, heartbeat, ...
    references_ text[] not null default '{}',    -- `Type/id` that it tells of
    event_numbers bigint[] not null default '{}',
    duplicate_key text,                          -- null where nothing tells a repetition from news
    outcome text not null                        -- queued, waiting, catch-up, ignored, duplicate, heard
);
create unique index notifications_once on notifications (site, hook, duplicate_key) where duplicate_key is not null;
create index notifications_received on notifications (received_at);
create index notifications_numbers on notifications using gin (event_numbers);

-- Every hook that was ever heard of, whoever set it up.
create table hooks (
    site text not null,
    name text not null,                          -- the last part of /hooks/{site}/{name}
    heard_at timestamptz not null default now(),
    last_event bigint,
    primary key (site, name)
);

create table subscriptions (
    site text not null,
    name text not null,                          -- the last part of /hooks/{site}/{name}
    secret text not null,
    fhir_id text,                                -- on the server
    form text not null,                          -- rest-hook, topic
    criteria text not null,
    status text not null default 'missing',      -- requested, active, error, off, missing
    problem text,
    created_at timestamptz not null default now(),
    verified_at timestamptz,
    recreated integer not null default 0,
    primary key (site, name)
);

-- How far a site was searched for changes, by resource type.
create table sweeps (
    site text not null,
    kind text not null,
    position timestamptz not null,               -- everything before was seen
    window_from timestamptz,                     -- the window being read, null between two
    window_to timestamptz,
    cursor text,                                 -- its next page
    found integer not null default 0,            -- patients queued by the window
    finished_at timestamptz,
    primary key (site, kind)
);

-- A site that cannot be reached, or does not let us in, rests.
create table site_state (
    site text primary key,
    trouble text,
    failures integer not null default 0,
    rest_until timestamptz,
    trouble_since timestamptz,
    reached_at timestamptz
);

-- Dead letters: work that needs a person.
create table failures (
    id bigint generated always as identity primary key,
    site text not null,
    task text not null,
    key text not null,                           -- the job's lock: the patient, or what else it is about
    patient_id bigint references patients on delete cascade,
    arguments jsonb not null,
    error text not null,                         -- its class
    message text not null,                       -- one sentence, without a patient's data
    attempts integer not null,
    failed_at timestamptz not null default now()
);
create unique index failures_once on failures (task, key);

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,                         -- `Practitioner/7`, a user's name, or `ferroclaim`
    role text,
    action text not null,                        -- saw, assessed, waived, released, discarded, ...
    site text,
    patient_id bigint,
    resource text,                               -- `ClaimLine/...`, `Gap/...`, `DetectedIssue/12`
    detail jsonb not null default '{}'
);
create index audit_patient on audit (patient_id, id);
create index audit_at on audit (at);

-- Secrets of this installation, shared by all its processes.
create table installation (
    name text primary key,
    value bytea not null
);
insert into installation values ('log-key', decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));
