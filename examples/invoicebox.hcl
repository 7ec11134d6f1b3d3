# The static token of a billing service. credsync checks it before it is
# delivered, and then once an hour instead of at each plan.

variable "invoicebox_url" {
  type    = string
  default = "https://api.invoicebox.ru"
}

variable "invoicebox_token" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "invoicebox" "billing" {
  base_url = var.invoicebox_url
  token    = var.invoicebox_token

  verify_every = "1h"
  remind_after = "90d"

  deliver "file" "secrets" {
    path   = "billing-token"
    format = "raw"
    data = {
      token = token.access_token
    }
  }
}
