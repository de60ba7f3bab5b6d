//! A sans-I/O TCP/IP endpoint with Linux socket semantics.
#![no_std]
extern crate alloc;
