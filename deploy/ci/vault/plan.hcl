# What "credsync plan" needs: it only reads. It reads the inputs and the state,
# live tokens included, so let only those branches plan whose authors may.
path "secret/data/inputs/accounts"           { capabilities = ["read"] }
path "secret/metadata/shop/*"                { capabilities = ["read"] }
path "secret/data/credsync/payments/*"       { capabilities = ["read"] }
path "secret/metadata/credsync/payments"     { capabilities = ["list"] }
path "secret/metadata/credsync/payments/*"   { capabilities = ["read"] }
