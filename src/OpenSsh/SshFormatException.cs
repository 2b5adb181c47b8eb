namespace CertAuthority.OpenSsh;

/// <summary>Bytes or text that are not what the format says.</summary>
/// <param name="message">One lower-case clause without a full stop: what is wrong, and at which byte where that helps. Safe to show.</param>
public sealed class SshFormatException(string message) : FormatException(message);
