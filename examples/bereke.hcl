# The token of a bank, with the customers that its user acts for. It lives 15
# minutes and cannot be refreshed, so it needs a run every few minutes. If the
# schedule is too slow, such as every 10 minutes, plan warns.

credsync {
  project = "payments"
}

variable "bereke_url" {
  type        = string
  default     = "https://api-test.berekebank.kz"
  description = "The address of the bank; the default is its test system."
}

variable "bereke_key_url" {
  type        = string
  description = "The address of the bank's public key, as {\"key\": \"<PEM>\"}."
}

variable "bereke_username" {
  type      = string
  sensitive = true
}

variable "bereke_password" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "bereke" "bank" {
  base_url = var.bereke_url
  username = var.bereke_username
  password = var.bereke_password

  # Or the key itself: public_key = file("bereke.pem")
  public_key_url = var.bereke_key_url

  # Which of the user's customers the token is used for; the login lists them.
  customer_id = "111111"

  rotate_before = "5m"

  deliver "file" "secrets" {
    path = "bank.json"
    data = {
      access_token  = token.access_token
      customer_id   = token.customer_id
      customer_name = token.customer_name
      customers     = jsonencode(token.customers)
    }
  }
}
