-- What a form did, until the page after it has told it. `sealed`: it may name patients.
create table told (
    id      text primary key,
    session bytea not null references web_session on delete cascade,
    sealed  text not null
);
create index told_session on told (session);
