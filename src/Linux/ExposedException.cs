namespace CertAuthority.Linux;

/// <summary>Thrown if a file or folder that must be private is not. The message names it and the command that fixes it.</summary>
public sealed class ExposedException(string message) : Exception(message);
