#!/bin/sh
# Makes the files of this folder with FFmpeg (5.1, with libx264, libx265, libvpx, libopus, libvorbis, libtheora and libmp3lame).
# expected.json has what is known of them; compare it with `ffprobe -show_format -show_streams`.
set -eu
cd "$(dirname "$0")"
video="-f lavfi -i color=c=gray:size=64x48:rate=25:duration=0.4"
sound="-f lavfi -i anullsrc=sample_rate=16000:channel_layout=mono:duration=0.4"
x264="-c:v libx264 -preset ultrafast -x264-params cabac=0"
make() {
    out=$1
    shift
    # The flags keep the name and version of the program out of the files.
    ffmpeg -hide_banner -loglevel error -y "$@" -t 0.4 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact -map_metadata -1 "$out"
}
make whole.mp4 $video $sound $x264 -c:a aac
make faststart.mp4 $video $sound $x264 -c:a aac -movflags +faststart
make fragmented.mp4 $video $sound $x264 -c:a aac -movflags frag_keyframe+empty_moov -g 5
make cmaf.mp4 $video $sound $x264 -c:a aac -movflags cmaf -g 5
make wide-pixels.mp4 $video $x264 -aspect 16:9
make turned.mp4 -i whole.mp4 -c copy -map 0:v -metadata:s:v rotate=90
make few-frames.mp4 $video $x264 -vf "select='not(mod(n,3))+lt(n,4)'" -vsync vfr
make late-sound.mp4 -itsoffset 0.2 $sound $video $x264 -c:a aac -map 1 -map 0
make hevc.mp4 $video -c:v libx265 -preset ultrafast -x265-params log-level=none
make vp9.mp4 $video -c:v libvpx-vp9 -cpu-used 8 -deadline realtime
make fragmented.m4a $sound -c:a aac -movflags frag_keyframe+empty_moov
make opus.mp4 $sound -c:a libopus
make flac.mp4 $sound -c:a flac -strict -2
make ac3.mp4 $sound -c:a ac3 -ar 48000 -b:a 32k
make eac3.mp4 $sound -c:a eac3 -ac 6 -ar 48000 -b:a 64k
make plain.mov $sound -c:a pcm_s16be -ar 4000
make mjpeg.mov $video -c:v mjpeg -q:v 31 -r 5
make vp8.webm $video $sound -c:v libvpx -deadline realtime -c:a libopus
make piped.webm $video $sound -c:v libvpx -deadline realtime -c:a libopus -f webm -live 1
make wide-pixels.mkv $video $x264 -aspect 16:9
make flac.mkv $sound -c:a flac
make h264.ts $video $sound $x264 -c:a aac -b:a 16k
make hevc.ts $video -c:v libx265 -preset ultrafast -x265-params log-level=none -r 5
make mpeg2.ts $video -c:v mpeg2video -aspect 16:9 -r 25
make wrapped.ts $video $x264 -output_ts_offset 95442.3
make constant.mp3 $sound -c:a libmp3lame -b:a 16k
make without-header.mp3 $sound -c:a libmp3lame -b:a 16k -write_xing 0 -id3v2_version 0
make tagged.mp3 $sound -c:a libmp3lame -q:a 9 -write_id3v1 1
make plain.wav $sound -c:a pcm_s16le -ar 4000
ffmpeg -hide_banner -loglevel error -y $sound -c:a pcm_alaw -ar 8000 -bitexact -f wav - > piped.wav
make vorbis.ogg $sound -c:a libvorbis
make opus.ogg $sound -c:a libopus
make flac.ogg $sound -c:a flac -f ogg
make theora.ogv -f lavfi -i testsrc=size=64x48:rate=25:duration=0.4 -c:v libtheora -q:v 0 -aspect 16:9
cat opus.ogg flac.ogg > chained.ogg
make adts.aac $sound -c:a aac
