namespace CertAuthority.Linux;

/// <summary>Thrown if something is missing that should exist, or exists that should not. The message says what to do.</summary>
public sealed class InUseException(string message) : Exception(message);
