namespace CertAuthority.OpenSsh;

/// <summary>Bytes or text that are not what the format says.</summary>
/// <param name="message">
/// One lower-case clause without a full stop. It names the field, and where the bytes themselves are broken the place too. Safe to show.
/// </param>
public sealed class SshFormatException(string message) : FormatException(message);
