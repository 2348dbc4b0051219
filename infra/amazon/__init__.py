"""Amazon's Selling Partner API: what is asked, what the answers mean, and how it is linked."""
