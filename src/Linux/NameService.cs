namespace CertAuthority.Linux;

/// <summary>Who waits for an answer of the name service, and so who has to wait behind whom.</summary>
public enum Asker
{
    /// <summary>An account that owns no user, as far as is known.</summary>
    Stranger,

    /// <summary>An account that owns a user.</summary>
    User,

    /// <summary>An administrator, or the daemon itself.</summary>
    Administrator,
}

/// <summary>
/// Accounts and groups, asked from the C library. A directory service can take its time there, or never answer, and a call that hangs
/// cannot be taken back: so each question has a thread of its own, of which there are few for each kind of asker, each answer has a
/// time limit, and one question is put once, however many wait for it. An answer is good for a few seconds.
/// </summary>
/// <param name="clock">Says how old an answer is.</param>
/// <param name="nameOf">The account of a uid.</param>
public sealed class NameService(TimeProvider clock, Func<uint, string?> nameOf)
{
    /// <summary>How long an answer may take.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(3);

    /// <summary>How old an answer may be, from the question on.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromSeconds(5);

    /// <summary>How many questions of one kind of asker can be open at once.</summary>
    public const int Open = 32;

    private readonly Questions<uint, string?> names = new(clock, nameOf, uid => $"which account has uid {uid}");
    private readonly Questions<string, uint?> uids = new(clock, Accounts.UidOf, account => $"which uid the account {account} has");
    private readonly Questions<string, (uint Gid, string[] Members)?> groups = new(
        clock, Accounts.GroupOf, group => $"which gid and members the group {group} has");
    private readonly SemaphoreSlim[] turns = [.. Enum.GetValues<Asker>().Select(_ => new SemaphoreSlim(Open))];

    /// <summary>The account of a uid, or null when it has none.</summary>
    /// <exception cref="NameServiceException">The system does not say.</exception>
    public Task<string?> AccountOf(uint uid, Asker asker) => names.Ask(uid, turns[(int)asker]);

    /// <summary>The uid of an account, or null when there is none.</summary>
    /// <exception cref="NameServiceException">The system does not say.</exception>
    public Task<uint?> UidOf(string account, Asker asker) => uids.Ask(account, turns[(int)asker]);

    /// <summary>The gid of a group, or null when there is none.</summary>
    /// <exception cref="NameServiceException">The system does not say.</exception>
    public async Task<uint?> GidOf(string group, Asker asker) => (await groups.Ask(group, turns[(int)asker]))?.Gid;

    /// <summary>The accounts that a group lists, or null when there is no such group.</summary>
    /// <exception cref="NameServiceException">The system does not say.</exception>
    public async Task<string[]?> MembersOf(string group, Asker asker) => (await groups.Ask(group, turns[(int)asker]))?.Members;

    private sealed class Questions<TKey, TAnswer>(TimeProvider clock, Func<TKey, TAnswer> ask, Func<TKey, string> what) where TKey : notnull
    {
        // Beyond so many answers, old ones are let go.
        private const int Many = 1000;

        private readonly Dictionary<TKey, (Task<TAnswer> Answer, long Asked)> answers = [];

        public async Task<TAnswer> Ask(TKey key, SemaphoreSlim turns)
        {
            try
            {
                return await Answer(key, turns).WaitAsync(Within, clock);
            }
            catch (TimeoutException)
            {
                throw new NameServiceException($"the system does not say {what(key)}: no answer within {Within.TotalSeconds} s");
            }
        }

        private Task<TAnswer> Answer(TKey key, SemaphoreSlim turns)
        {
            lock (answers)
            {
                if (answers.Count > Many)
                    foreach (var (other, answer) in answers.ToList())
                        if (IsOld(answer))
                            answers.Remove(other);
                if (answers.TryGetValue(key, out var last) && !IsOld(last))
                    return last.Answer;
                if (!turns.Wait(0))
                    throw new NameServiceException($"the system does not say {what(key)}: too many wait for an answer already");
                var asked = Task.Factory.StartNew(
                    () =>
                    {
                        try
                        {
                            return ask(key);
                        }
                        finally
                        {
                            turns.Release();
                        }
                    },
                    CancellationToken.None,
                    TaskCreationOptions.LongRunning,
                    TaskScheduler.Default);
                answers[key] = (asked, clock.GetTimestamp());
                return asked;
            }
        }

        // One that hangs is never old: asking once more would only hang once more.
        private bool IsOld((Task<TAnswer> Answer, long Asked) answer) =>
            answer.Answer.IsCompleted && clock.GetElapsedTime(answer.Asked) >= Kept;
    }
}
