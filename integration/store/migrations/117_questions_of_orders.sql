-- What an order of an iron leaves open that the billing office answers once for a plan: whether it requires an authorization for the drug.
create table order_questions (
    site     text not null,
    patient  text not null,
    policy   text not null,
    drug     text not null,
    asked_at timestamptz not null default now(),
    primary key (site, patient, policy, drug)
);
