//! Tests of the whole workspace, one module for each subject.

mod ui;
