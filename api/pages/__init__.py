"""The web pages: what each shows, the frame they share, and the routes to them."""
