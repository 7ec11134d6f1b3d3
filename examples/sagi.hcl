# A loyalty service's token with the branch and the group that its calls need.
# After the first login it is refreshed without the password for a year.

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
