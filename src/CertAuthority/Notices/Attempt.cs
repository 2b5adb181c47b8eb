using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>One attempt to deliver an event.</summary>
/// <param name="Told">The event.</param>
/// <param name="Recipient">Which of the people whom the receiver reaches; null where it reaches none.</param>
/// <param name="Now">When.</param>
internal sealed record Attempt(Notification Told, string? Recipient, DateTimeOffset Now);

/// <summary>How that went.</summary>
/// <param name="Fault">What went wrong; null when it was told.</param>
/// <param name="Said">What the receiver said: words of a stranger.</param>
/// <param name="IsHopeless">Whether it can only go wrong again.</param>
internal sealed record DeliveryResult(string? Fault = null, string Said = "", bool IsHopeless = false);
