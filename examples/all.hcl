# One account at each upstream. Passwords come from Vault; tokens and the state go
# to Vault. If the BIFIT account requires a one-time code, see "credsync login".

credsync {
  project  = "payments"
  schedule = "*/4 * * * *"
}

variable "invoicebox_url" {
  type    = string
  default = "https://api.invoicebox.ru"
}

variable "sagi_url" {
  type    = string
  default = "https://gateway.sagi.kz"
}

variable "bifit_kassa_url" {
  type    = string
  default = "https://kassa.bifit.com/cashdesk-api/v1"
}

variable "bereke_url" {
  type        = string
  description = "The bank's address; only its test system is documented."
}

variable "astana_plat_url" {
  type = string
}

sink "vault" "main" {
  mount = "secret"
}

state "vault" "main" {
  path = "credsync/payments"
}

# vault kv put secret/inputs/accounts @accounts.json, a file with {"invoicebox_token": "…", "sagi_phone": "…", …}
data "vault" "accounts" {
  sink = "main"
  path = "inputs/accounts"
}

locals {
  in = data.vault.accounts
}

account "invoicebox" "billing" {
  base_url = var.invoicebox_url
  token    = local.in.invoicebox_token

  deliver "vault" "main" {
    path = "shop/billing"
  }
}

account "sagi" "coffee" {
  base_url = var.sagi_url
  phone    = local.in.sagi_phone
  password = local.in.sagi_password

  deliver "vault" "main" {
    path = "shop/sagi"
  }
}

account "bifit_kassa" "till" {
  base_url = var.bifit_kassa_url
  username = local.in.bifit_kassa_username
  password = local.in.bifit_kassa_password

  deliver "vault" "main" {
    path = "shop/till"
  }
}

account "bereke" "bank" {
  base_url       = var.bereke_url
  public_key_url = "${var.bereke_url}/auth/public-key"
  username       = local.in.bereke_username
  password       = local.in.bereke_password
  customer_name  = "ИП Test."

  deliver "vault" "main" {
    path = "shop/bank"
  }
}

account "astana_plat" "payments" {
  base_url = var.astana_plat_url
  login    = local.in.astana_plat_login
  password = local.in.astana_plat_password

  deliver "vault" "main" {
    path = "shop/payments"
  }
}
