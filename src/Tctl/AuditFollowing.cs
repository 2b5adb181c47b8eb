using System.CommandLine;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// Follows the audit. No entry is lost or repeated, whatever ends a call: the next one goes on after the last position that arrived.
/// </summary>
/// <param name="parsed">The command line; it gets a warning when the daemon is away.</param>
/// <param name="ca">The daemon.</param>
/// <param name="ask">The entries that are wanted.</param>
internal sealed class AuditFollowing(ParseResult parsed, CaClient ca, ListAudit ask)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(15);

    private bool wasThere;

    /// <summary>Returns the next entries, perhaps none, and the position after them.</summary>
    /// <exception cref="UnreachableException">The daemon has never answered, or does not exist any more.</exception>
    public async Task<(AuditEntry[] Entries, string? Position)> Next(int limit, string? after, CancellationToken cancellation)
    {
        var pause = FirstPause;
        while (true)
            try
            {
                // Where to begin is known once there is a position: a duration before now would begin later and later.
                var page = await ca.Send(
                    Routes.ListAudit, ask with { Limit = limit, After = after, Since = wasThere ? null : ask.Since }, cancellation);
                if (page.Archived is { } archived && !wasThere)
                    parsed.Warn(archived.Describe());
                wasThere = true;
                return (page.Entries, page.Position);
            }
            // The daemon is restarting or busy, or the network is down.
            catch (Exception passing) when (wasThere && passing is UnreachableException { IsLasting: false }
                or ProblemException { Problem.Code: ProblemCode.Unavailable or ProblemCode.Limited })
            {
                if (pause == FirstPause)
                    parsed.Warn($"{passing.Message}; following the audit again once the daemon answers");
                await Task.Delay(pause, cancellation);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
    }
}
