"""E-mail: a message as one mail to one address, by SMTP."""
