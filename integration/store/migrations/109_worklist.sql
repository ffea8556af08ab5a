-- Every line with what is said of its pair: the one definition of held, waived, released and changed. `snoozed_until` in the
-- future, and what changed within a day, are for the reader to say.
create view worklist_now as
with said as (
    select l.patient_id, p.site, l.id as line_id, l.pair, l.code, l.status, l.owner, l.value, l.service_date, l.policy, l.claim,
        l.changed_at, l.first_seen_at, l.gone_at, l.payment, l.provider, l.labels, l.snoozed_until,
        l.document ->> 'placeOfService' as place, l.document ->> 'fileBy' as file_by,
        r.id as release, r.released_at, r.reason as release_reason, r.claim as released_claim, r.status as released_status,
        s.number as sent_number, s.file as sent_file, s.state as sent_state, s.at as sent_at,
        case when l.status = 'held' then array(select unnest(l.reasons) except select unnest(o.waived_for) order by 1)
            else '{}' end as waits_for,
        case when l.status = 'held' then coalesce(o.waived_for, '{}') else '{}' end as waived_for
    from lines l
    join patients p on p.id = l.patient_id
    -- What of a line is waived: every open gap of a requirement that holds it.
    left join lateral (
        select array_agg(requirement order by requirement) as waived_for from (
            select g.requirement from gaps g
            left join waivers w on w.patient_id = g.patient_id and w.gap_id = g.id and w.withdrawn_at is null
                and w.administrations @> g.administrations
            where g.patient_id = l.patient_id and l.id = any(g.lines) and g.closed_at is null and g.blocking
            group by 1 having bool_and(w.id is not null and g.waivable)) waived) o on l.status = 'held'
    left join releases r on r.patient_id = l.patient_id and r.line_id = l.id and r.withdrawn_at is null
    -- The claim in which a release left: one that counts before a test.
    left join lateral (
        select c.number, c.state, f.name as file, f.written_at as at
        from claim_lines cl join claims c on c.id = cl.claim_id join claim_files f on f.id = c.file_id
        where cl.release_id = r.id order by cl.production desc, cl.claim_id desc limit 1) s on true)
-- What is asked of every line comes first: a row is read up to the last column that is wanted.
select patient_id, count(release) over one > 0 as released, count(sent_number) over one > 0 as sent,
    -- A release is of a line as a claim carries it, held by nothing or by what was waived then.
    bool_or(release is not null and (gone_at is not null or claim <> released_claim or status = 'not-billable'
        or status = 'held' and (released_status = 'ready' or waits_for <> '{}'))) over one
    or count(release) over one between 1 and count(*) over one - 1 as changed,
    max(snoozed_until) over one as snoozed_until, site, status, waits_for, value, payment, pair, line_id,
    sum(value) over one as worth, min(service_date) over one as day, min(file_by) over one as due, code, service_date, policy,
    max(provider) over one as provider, place, max(owner) over one as owner, labels, waived_for, max(changed_at) over one as changed_at,
    released_at, release_reason, gone_at, first_seen_at, release, sent_number, sent_file, sent_state, sent_at
from said window one as (partition by patient_id, pair);

-- The same, kept: a list of 100,000 lines opens at once. Whatever changes a patient's lines makes them stale, and they are kept
-- anew at the end of that transaction.
create table worklist as select * from worklist_now;
alter table worklist add primary key (patient_id, line_id);
alter table worklist add foreign key (patient_id) references patients on delete cascade;
-- What the filters may be set to is looked up value by value.
create index worklist_policy on worklist (policy);
create index worklist_provider on worklist (provider);
create index worklist_place on worklist (place);
create index worklist_owner on worklist (owner);
create index worklist_labels on worklist (patient_id) where labels <> '{}';

create table worklist_stale (
    transaction xid8 not null default pg_current_xact_id(),  -- two that change one patient do not wait for each other here
    patient_id bigint not null,
    primary key (transaction, patient_id)
);

create function worklist_goes_stale() returns trigger language plpgsql as $$
begin
    insert into worklist_stale (patient_id) values (coalesce(new.patient_id, old.patient_id)) on conflict do nothing;
    return null;
end $$;
create trigger worklist_of_lines after insert or update or delete on lines
    for each row execute function worklist_goes_stale();
create trigger worklist_of_gaps after insert or update or delete on gaps
    for each row execute function worklist_goes_stale();
create trigger worklist_of_waivers after insert or update or delete on waivers
    for each row execute function worklist_goes_stale();
create trigger worklist_of_releases after insert or update or delete on releases
    for each row execute function worklist_goes_stale();
create trigger worklist_of_claims after insert or update or delete on claims
    for each row execute function worklist_goes_stale();
create trigger worklist_of_claim_lines after insert or update or delete on claim_lines
    for each row execute function worklist_goes_stale();

create function worklist_is_kept() returns trigger language plpgsql as $$
begin
    perform 1 from patients where id = new.patient_id for no key update;  -- one after the other, each with what the last one kept
    delete from worklist where patient_id = new.patient_id;
    insert into worklist select * from worklist_now where patient_id = new.patient_id;
    delete from worklist_stale where transaction = new.transaction and patient_id = new.patient_id;
    return null;
end $$;
create constraint trigger worklist_kept after insert on worklist_stale
    deferrable initially deferred for each row execute function worklist_is_kept();
