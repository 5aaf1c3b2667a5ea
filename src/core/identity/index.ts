export { isPubkey, type KeyPair, type Keyring, keyPair, openKeyring, pairOfNsec } from './keyring.ts'
export { checkMnemonic, newMnemonic } from './mnemonic.ts'
export { isXpub, type PaymentKey, type PaymentKeys, paymentPubkey } from './payment-keys.ts'
export { createVault, hasVault, openVault, type Secrets } from './vault.ts'
