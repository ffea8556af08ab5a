-- Whether a type was asked for since its window was begun: a look that goes on where the one before it stopped passes over what that one
-- finished, however many pages it was.
alter table sweeps add column wanted boolean not null default true;
