# The token of a cash-register account, for the service that prints receipts.
#
# If the account has a second factor, plan and apply say so and do not have a code
# sent. The person with the telephone logs in once:
#
#   credsync login bifit_kassa.till
#
# From then on credsync refreshes the token without a person.

credsync {
  project  = "shop"
  schedule = "0 * * * *"
}

variable "bifit_kassa_url" {
  type        = string
  default     = "https://kassa.bifit.com/cashdesk-api/v1"
  description = "The address of the cash-register cloud."
}

variable "bifit_kassa_username" {
  type        = string
  sensitive   = true
  description = "The account's telephone number, as 7xxxxxxxxxx."
}

variable "bifit_kassa_password" {
  type      = string
  sensitive = true
}

sink "file" "secrets" {
  dir = "secrets"
}

account "bifit_kassa" "till" {
  base_url = var.bifit_kassa_url
  username = var.bifit_kassa_username
  password = var.bifit_kassa_password

  # Tokens live 12 hours.
  rotate_before = "4h"

  deliver "file" "secrets" {
    path   = "till.env"
    format = "dotenv"
    data = {
      KASSA_TOKEN   = token.access_token
      KASSA_USER_ID = token.user_id
    }
  }
}
