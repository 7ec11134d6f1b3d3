# A configuration for the CI templates, which set vault_role and vault_jwt.

credsync {
  project  = "payments"
  schedule = "*/30 * * * *"
}

variable "vault_role" {
  type    = string
  default = "credsync-plan"
}

variable "vault_jwt" {
  type        = string
  sensitive   = true
  description = "The CI's OIDC token."
}

variable "invoicebox_url" {
  type    = string
  default = "https://api.invoicebox.ru"
}

variable "sagi_url" {
  type    = string
  default = "https://gateway.sagi.kz"
}

sink "vault" "main" {
  auth "jwt" {
    role = var.vault_role
    jwt  = var.vault_jwt
  }
}

state "vault" "main" {
  path = "credsync/payments"
}

data "vault" "accounts" {
  sink = "main"
  path = "inputs/accounts"
}

account "invoicebox" "billing" {
  base_url = var.invoicebox_url
  token    = data.vault.accounts.invoicebox_token

  deliver "vault" "main" {
    path = "shop/billing"
  }
}

account "sagi" "coffee" {
  base_url = var.sagi_url
  phone    = data.vault.accounts.sagi_phone
  password = data.vault.accounts.sagi_password

  deliver "vault" "main" {
    path = "shop/sagi"
  }
}
