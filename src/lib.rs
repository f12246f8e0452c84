//! An online book shop's back end.
