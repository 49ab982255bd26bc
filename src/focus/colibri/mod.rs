pub mod answer;
pub mod relay;
pub mod request;
