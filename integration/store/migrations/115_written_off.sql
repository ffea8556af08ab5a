-- What an answer makes of a claim follows the days of the answers, so that the order of reading changes nothing. A person who says that
-- a claim was rejected answers it as well.
alter table answers drop constraint answers_kind_check;
alter table answers add check (kind in ('TA1', '999', '277CA', '835', 'told'));
insert into answers (claim_id, patient_id, kind, says, said, file, payer, payer_number, day, payment, codes, why, charge, paid, share,
    read_by, read_at)
select c.id, c.patient_id, 'told', 'rejected', 'told', '', '', '', greatest(c.state_at::date,
        (select max(a.day) from answers a where a.claim_id = c.id)), '', '{}', '', 0, 0, 0, 'a person', c.state_at
from claims c where c.state = 'rejected' and (
    not exists (select 1 from answers a where a.claim_id = c.id and a.says = 'rejected')
    or exists (select 1 from answers a where a.claim_id = c.id and a.says = 'denied'));

create index claims_about on claims (about) where about is not null;

-- What adds up. A reversal takes back what was decided before it in another payment: of that payer, where a correction stands beside it.
-- One of what was never read takes back nothing that we know of.
create or replace view counted_answers as
select n.* from answers n
where n.says not in ('received', 'reversed') or n.says = 'reversed' and exists (
    select 1 from answers o where o.claim_id = n.claim_id and o.kind = n.kind and o.says in ('paid', 'denied', 'rejected')
        and o.payment <> n.payment and coalesce(o.day, '-infinity') <= coalesce(n.day, 'infinity')
        and (o.payer = n.payer or not exists (select 1 from answers b where b.claim_id = n.claim_id and b.payment = n.payment
            and b.says in ('paid', 'denied', 'rejected'))));

-- Denied or rejected lines that nobody pursues any further: a decision about a release, undone by a person or by a payment.
create table write_offs (
    id bigint generated always as identity primary key,
    patient_id bigint not null references patients on delete cascade,
    release_id bigint not null references releases on delete cascade,
    reason text not null,                        -- a code of write_offs.yaml
    note text not null,
    written_off_by text not null,
    written_off_at timestamptz not null default now(),
    undone_by text,
    undone_at timestamptz
);
create unique index write_offs_once on write_offs (release_id) where undone_at is null;
create index write_offs_patient on write_offs (patient_id);
create trigger worklist_of_write_offs after insert or update or delete on write_offs
    for each row execute function worklist_goes_stale();

-- As 114 has it, with what was answered of each line, once and for all, and what was written off.
drop table worklist;
drop view worklist_now;
create view worklist_now as
with said as (
    select l.patient_id, p.site, l.id as line_id, l.pair, l.code, l.status, l.owner, l.value, l.service_date, l.policy, l.claim,
        l.changed_at, l.first_seen_at, l.gone_at, l.payment, l.provider, l.labels, l.snoozed_until,
        l.document ->> 'placeOfService' as place, l.document ->> 'fileBy' as file_by,
        r.id as release, r.released_at, r.reason as release_reason, r.claim as released_claim, r.status as released_status,
        s.number as sent_number, s.file as sent_file, s.state as sent_state, s.at as sent_at, a.paid,
        coalesce(d.codes, '{}') as denied_for,
        w.reason as written_off,
        -- A packaged or bundled line is paid with another one.
        case when s.state = 'paid' and a.allowed <= 0 and coalesce(l.payment, 'separate') = 'separate' then 'denied'
            when s.state in ('rejected', 'denied', 'paid') then s.state when s.number is not null then 'sent' end as answered,
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
    left join write_offs w on w.release_id = r.id and w.undone_at is null
    -- The claim in which a release left: one that counts before a test.
    left join lateral (
        select c.id as claim, c.number, c.state, f.name as file, f.written_at as at
        from claim_lines cl join claims c on c.id = cl.claim_id join claim_files f on f.id = c.file_id
        where cl.release_id = r.id order by cl.production desc, cl.claim_id desc limit 1) s on true
    -- What the payers together paid and allowed, where each tells it by line; why the last that decided paid less. That another
    -- one was to pay before (OA-23) is no reason where there is one.
    left join lateral (
        select sum(al.paid) as paid, sum(al.paid + al.share) as allowed
        from counted_answers n join answered_lines al on al.answer_id = n.id
        where n.claim_id = s.claim and al.line_id = l.id and not exists (select 1 from counted_answers w
            where w.claim_id = s.claim and w.says in ('paid', 'reversed')
            and not exists (select 1 from answered_lines o where o.answer_id = w.id))) a on s.claim is not null
    left join lateral (
        select al.codes from answers n join answered_lines al on al.answer_id = n.id
        where n.claim_id = s.claim and al.line_id = l.id and n.says in ('paid', 'denied', 'rejected')
        order by al.codes <@ '{OA-23}', n.day desc nulls last, n.said limit 1) d
        on s.state in ('paid', 'denied', 'rejected') and a.allowed <= 0)
-- What is asked of every line comes first: a row is read up to the last column that is wanted.
select patient_id, count(release) over one > 0 as released, count(sent_number) over one > 0 as sent,
    -- A release is of a line as a claim carries it, held by nothing or by what was waived then.
    bool_or(release is not null and (gone_at is not null or claim <> released_claim or status = 'not-billable'
        or status = 'held' and (released_status = 'ready' or waits_for <> '{}'))) over one
    or count(release) over one between 1 and count(*) over one - 1 as changed,
    bool_or(answered in ('rejected', 'denied')) over one is true as refused,
    bool_or(answered in ('rejected', 'denied') and written_off is not null) over one is true as closed,
    bool_or(sent_state = 'paid') over one is true as settled,
    max(snoozed_until) over one as snoozed_until, site, status, waits_for, value, payment, pair, line_id,
    sum(value) over one as worth, min(service_date) over one as day, min(file_by) over one as due, code, service_date, policy,
    max(provider) over one as provider, place, max(owner) over one as owner, labels, waived_for, max(changed_at) over one as changed_at,
    released_at, release_reason, gone_at, first_seen_at, release, sent_number, sent_file, sent_state, sent_at,
    answered, written_off, paid, denied_for
from said window one as (partition by patient_id, pair);

create table worklist as select * from worklist_now;
alter table worklist add primary key (patient_id, line_id);
alter table worklist add foreign key (patient_id) references patients on delete cascade;
create index worklist_policy on worklist (policy);
create index worklist_provider on worklist (provider);
create index worklist_place on worklist (place);
create index worklist_owner on worklist (owner);
create index worklist_labels on worklist (patient_id) where labels <> '{}';
