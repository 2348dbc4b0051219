"""The OpenAPI document: what FastAPI knows of the routes, completed by what their answers are."""
