-- What billers sort their desk by: who is on the claim, until when a line sleeps, and their own labels.
alter table lines add column provider text;
alter table lines add column snoozed_until date;
alter table lines add column labels text[] not null default '{}';
create index lines_day on lines (service_date);
