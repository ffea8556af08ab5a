-- Token ids of CDS calls that were used, until they would have ended anyway. `id` is SHA-256 of issuer and jti.
create table cds_replay (
    id      bytea primary key,
    expires timestamptz not null
);
