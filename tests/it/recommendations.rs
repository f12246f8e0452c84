//! What readers may like.

mod following;
mod ground;
mod lists;
