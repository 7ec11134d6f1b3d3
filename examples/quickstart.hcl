# Two accounts whose tokens are written to files, so you need nothing else to try
# it. "make demo" runs this file against the sandbox.

credsync {
  project  = "quickstart"
  schedule = "*/10 * * * *"
}

variable "invoicebox_url" {
  type        = string
  default     = "https://api.invoicebox.ru"
  description = "The address of the billing service."
}

variable "sagi_url" {
  type        = string
  default     = "https://gateway.sagi.kz"
  description = "The address of the loyalty service."
}

variable "invoicebox_token" {
  type      = string
  sensitive = true
}

variable "sagi_phone" {
  type = string
}

variable "sagi_password" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "invoicebox" "billing" {
  base_url = var.invoicebox_url
  token    = var.invoicebox_token

  deliver "file" "secrets" {
    path = "billing.json"
  }
}

account "sagi" "coffee" {
  base_url = var.sagi_url
  phone    = var.sagi_phone
  password = var.sagi_password

  rotate_before = "48h"

  deliver "file" "secrets" {
    path   = "coffee.env"
    format = "dotenv"
    data = {
      SAGI_TOKEN    = token.access_token
      SAGI_GROUP_ID = token.group_id
    }
  }
}
