-- Launches on their way to an authorization server. `state` and `browser` are SHA-256 of what the browser holds.
CREATE TABLE smart_pending (
    state   bytea PRIMARY KEY,
    browser bytea NOT NULL,
    sealed  text NOT NULL,
    started timestamptz NOT NULL DEFAULT now()
);

-- One person in one browser. `id` is SHA-256 of the cookie.
CREATE TABLE web_session (
    id        bytea PRIMARY KEY,
    provider  text NOT NULL,
    subject   text NOT NULL,
    fhir_user text,
    name      text,
    roles     text[] NOT NULL,
    started   timestamptz NOT NULL DEFAULT now(),
    seen      timestamptz NOT NULL DEFAULT now(),
    ends      timestamptz NOT NULL
);

-- One opened chart. `sealed`: its tokens, encrypted with a key that is not in the database.
CREATE TABLE smart_launch (
    id           text PRIMARY KEY,
    session      bytea NOT NULL REFERENCES web_session ON DELETE CASCADE,
    site         text NOT NULL,
    patient      text NOT NULL,
    encounter    text,
    scopes       text[] NOT NULL,
    context      jsonb NOT NULL,
    sealed       text NOT NULL,
    access_until timestamptz NOT NULL,
    started      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX smart_launch_session ON smart_launch (session);
