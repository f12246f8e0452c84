//! The table of what makes what out of date, row by row: pages are cached at two processes, something is changed through a
//! third, and then each page that the row names is loaded anew while every other one is still a hit.

mod rows;
mod scene;
