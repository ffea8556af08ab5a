-- What came back of the claims that left: TA1, 999, 277CA, 835. The same answer in another file is kept once.
alter table claims add column payer_number text;  -- the first payer's own number of it (ICN), as it told it last

create table answers (
    id bigint generated always as identity primary key,
    claim_id bigint not null references claims on delete cascade,
    patient_id bigint not null references patients on delete cascade,
    kind text not null check (kind in ('TA1', '999', '277CA', '835')),
    says text not null check (says in ('received', 'accepted', 'rejected', 'paid', 'denied', 'reversed')),
    said text not null,                          -- a digest: what tells one answer from another
    file text not null,
    payer text not null,
    payer_number text not null,                  -- the payer's own number of the claim (ICN)
    day date,                                    -- of the payment or the status
    payment text not null,                       -- a digest: what tells one payment from another
    codes text[] not null,                       -- as they stand in the file
    why text not null,                           -- in words
    charge numeric(14, 2) not null,
    paid numeric(14, 2) not null,
    share numeric(14, 2) not null,               -- what the patient owes of it
    read_by text not null,
    read_at timestamptz not null default now(),
    unique (claim_id, said)
);
create index answers_patient on answers (patient_id);

-- What was said of each line, in dollars: a reversal's are negative.
create table answered_lines (
    answer_id bigint not null references answers on delete cascade,
    patient_id bigint not null references patients on delete cascade,
    line_id text not null,
    charge numeric(14, 2) not null,
    paid numeric(14, 2) not null,
    share numeric(14, 2) not null,
    codes text[] not null,                       -- CO-252, N395: why less was paid than charged
    primary key (answer_id, line_id)
);
create index answered_lines_line on answered_lines (patient_id, line_id);
create trigger worklist_of_answers after insert or update or delete on answered_lines
    for each row execute function worklist_goes_stale();

-- What adds up. A reversal takes back what the payer decided in another payment. One that stands beside its correction, and whose
-- first decision was never read, takes back nothing that we know of.
create view counted_answers as
select n.* from answers n
where n.says not in ('received', 'reversed') or n.says = 'reversed' and (
    not exists (select 1 from answers o where o.claim_id = n.claim_id and o.says in ('paid', 'denied', 'rejected')
        and o.payment = n.payment)
    or exists (select 1 from answers o where o.claim_id = n.claim_id and o.says in ('paid', 'denied', 'rejected')
        and o.payment <> n.payment and o.payer = n.payer and o.kind = n.kind));

-- As 109 has it, with what was paid of a line, why it was denied, and whether its pair was paid, or waits for the biller again.
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
        -- A packaged or bundled line is paid with another one.
        coalesce(s.state in ('rejected', 'denied')
            or s.state = 'paid' and a.allowed <= 0 and coalesce(l.payment, 'separate') = 'separate', false) as refused,
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
        order by al.codes <@ '{OA-23}', n.day desc nulls last, n.id desc limit 1) d
        on s.state in ('paid', 'denied', 'rejected') and a.allowed <= 0)
-- What is asked of every line comes first: a row is read up to the last column that is wanted.
select patient_id, count(release) over one > 0 as released, count(sent_number) over one > 0 as sent,
    -- A release is of a line as a claim carries it, held by nothing or by what was waived then.
    bool_or(release is not null and (gone_at is not null or claim <> released_claim or status = 'not-billable'
        or status = 'held' and (released_status = 'ready' or waits_for <> '{}'))) over one
    or count(release) over one between 1 and count(*) over one - 1 as changed,
    bool_or(refused) over one as refused, bool_or(sent_state = 'paid') over one is true as settled,
    max(snoozed_until) over one as snoozed_until, site, status, waits_for, value, payment, pair, line_id,
    sum(value) over one as worth, min(service_date) over one as day, min(file_by) over one as due, code, service_date, policy,
    max(provider) over one as provider, place, max(owner) over one as owner, labels, waived_for, max(changed_at) over one as changed_at,
    released_at, release_reason, gone_at, first_seen_at, release, sent_number, sent_file, sent_state, sent_at,
    paid, denied_for
from said window one as (partition by patient_id, pair);

create table worklist as select * from worklist_now;
alter table worklist add primary key (patient_id, line_id);
alter table worklist add foreign key (patient_id) references patients on delete cascade;
create index worklist_policy on worklist (policy);
create index worklist_provider on worklist (provider);
create index worklist_place on worklist (place);
create index worklist_owner on worklist (owner);
create index worklist_labels on worklist (patient_id) where labels <> '{}';
