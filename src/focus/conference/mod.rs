pub mod features;
pub mod offer;
