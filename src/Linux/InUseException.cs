namespace CertAuthority.Linux;

/// <summary>What should be there, or should not, is otherwise. The message says what to do.</summary>
public sealed class InUseException(string message) : Exception(message);
