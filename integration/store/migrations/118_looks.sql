-- Looks at charts are numbered as they begin. The newest that is kept counts, whatever the clocks of several machines say.
create sequence looks;
alter table patients add column look bigint not null default 0;
