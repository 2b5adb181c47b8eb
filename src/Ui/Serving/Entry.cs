using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace CertAuthority.Ui.Serving;

/// <summary>The one key to the page: a token that is exchanged once, for the value of a cookie.</summary>
internal sealed class Entry
{
    private const int Bytes = 32;

    private readonly string token = Random();
    private readonly string session = Random();
    private int used;

    /// <summary>The token, which the person who started the page gets in its address.</summary>
    public string Token => token;

    /// <summary>Whether the token has been exchanged.</summary>
    public bool IsUsed => Volatile.Read(ref used) != 0;

    /// <summary>Exchanges the token for the value of the cookie; null if it is not the token, or was used before.</summary>
    public string? Exchange(string presented) =>
        IsSame(token, presented) && Interlocked.Exchange(ref used, 1) == 0 ? session : null;

    /// <summary>Whether the value of a cookie is the one that the token was exchanged for.</summary>
    public bool Admits(string? cookie) => IsUsed && cookie is not null && IsSame(session, cookie);

    private static bool IsSame(string secret, string presented) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(presented));

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
}
