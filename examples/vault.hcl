# Passwords come from Vault; tokens and the state go to Vault. The connection uses
# VAULT_ADDR, VAULT_TOKEN and the other variables of the vault command.

credsync {
  project  = "payments"
  schedule = "*/10 * * * *"
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
  mount = "secret"
}

state "vault" "main" {
  path = "credsync/payments"
}

# vault kv put secret/inputs/accounts @accounts.json, a file with {"invoicebox_token": "…", "sagi_phone": "…", "sagi_password": "…"}
data "vault" "accounts" {
  sink = "main"
  path = "inputs/accounts"
}

account "invoicebox" "billing" {
  base_url     = var.invoicebox_url
  token        = data.vault.accounts.invoicebox_token
  remind_after = "90d"

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
