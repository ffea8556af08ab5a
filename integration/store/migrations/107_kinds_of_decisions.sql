-- The kinds are those of mappings.decisions, which checks each decision: they are listed once.
alter table decisions drop constraint decisions_kind_check;
