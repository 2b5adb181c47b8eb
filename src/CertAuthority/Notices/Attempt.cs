using CertAuthority.Protocol;

namespace CertAuthority.Notices;

/// <summary>One attempt to deliver an event.</summary>
/// <param name="Told">The event.</param>
/// <param name="Recipient">The person to whom the receiver delivers; null if it does not deliver to people.</param>
/// <param name="Now">The time of the attempt.</param>
internal sealed record Attempt(Notification Told, string? Recipient, DateTimeOffset Now);

/// <summary>The result of an attempt.</summary>
/// <param name="Fault">What went wrong; null if the event was delivered.</param>
/// <param name="Said">The receiver's reply; untrusted text.</param>
/// <param name="IsHopeless">Whether another attempt can only fail too.</param>
internal sealed record DeliveryResult(string? Fault = null, string Said = "", bool IsHopeless = false);
