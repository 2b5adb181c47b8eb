using CertAuthority.Protocol;
using CertAuthority.Store;

namespace CertAuthority.Notices;

/// <summary>One attempt to deliver an event.</summary>
/// <param name="Told">The event.</param>
/// <param name="Recipient">The person to whom the receiver delivers; null if it does not deliver to people.</param>
/// <param name="Now">The time of the attempt.</param>
/// <param name="Shown">The message of a chat that shows the request already; null if there is none.</param>
internal sealed record Attempt(Notification Told, string? Recipient, DateTimeOffset Now, ChatMessage? Shown = null);

/// <summary>The result of an attempt.</summary>
/// <param name="Fault">What went wrong; null if the event was delivered.</param>
/// <param name="Said">The receiver's reply; untrusted text.</param>
/// <param name="IsHopeless">Whether another attempt can only fail too.</param>
/// <param name="Shown">The message of a chat that shows the request now; null if it is not to be replaced.</param>
internal sealed record DeliveryResult(string? Fault = null, string Said = "", bool IsHopeless = false, ChatMessage? Shown = null);
