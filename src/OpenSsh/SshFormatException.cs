namespace CertAuthority.OpenSsh;

/// <summary>Thrown for bytes or text that do not follow the format.</summary>
/// <param name="message">
/// One lower-case clause without a full stop. It names the field and, if the bytes themselves are broken, the position. Safe to show.
/// </param>
public sealed class SshFormatException(string message) : FormatException(message);
