namespace CertAuthority.Keys;

/// <summary>A CA key that cannot be used in its present state. The message names the file and what to do.</summary>
internal sealed class CaKeyException(string message) : Exception(message);
