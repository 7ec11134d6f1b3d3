# The token of a loyalty service, with the branch and the group that its API
# needs. After the first login, credsync refreshes it without the password for a
# year.

variable "sagi_url" {
  type    = string
  default = "https://gateway.sagi.kz"
}

variable "sagi_phone" {
  type      = string
  sensitive = true
}

variable "sagi_password" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "sagi" "coffee" {
  base_url = var.sagi_url
  phone    = var.sagi_phone
  password = var.sagi_password

  rotate_before = "48h"

  http {
    timeout      = "20s"
    max_attempts = 3
  }

  deliver "file" "secrets" {
    path = "coffee.json"
  }
}
