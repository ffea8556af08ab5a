-- Why Medicare pays second is a decision as well.
alter table decisions drop constraint decisions_kind_check;
alter table decisions add constraint decisions_kind_check
    check (kind in ('pays_first', 'medicare_secondary', 'payer_answer', 'authorization', 'site_row'));
